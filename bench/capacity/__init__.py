"""What carries how much: measured costs, a model of plain arithmetic, and the page that is made of both."""
