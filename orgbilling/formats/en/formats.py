"""How the console writes dates: the day before the month, the hour of 24, no language's own habits."""

from typing import Final

DATE_FORMAT: Final = "j M Y"
DATETIME_FORMAT: Final = "j M Y, H:i"
TIME_FORMAT: Final = "H:i"
SHORT_DATE_FORMAT: Final = "j M Y"
SHORT_DATETIME_FORMAT: Final = "j M Y, H:i"
THOUSAND_SEPARATOR: Final = ","
NUMBER_GROUPING: Final = 3
