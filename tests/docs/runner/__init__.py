"""Runs every fenced block of a page as its reader would, beside a fresh `make run`.

- `bash` or `sh` is pasted into one shell for the page, `python` into one Python session, which begins with what the
  shell has exported by then. What a block prints, errors included, stands in the `text`, `http` or `json` block right
  below it; a block without one prints nothing. A command that fails fails the page: show it by `|| echo "exit $?"`.
- A `python` block whose first line is a file's name, as `# receiver.py`, is saved under that name; a later `bash` block
  has to name it.
- In what is printed `…` stands for anything within a line, and alone on a line for any lines; in JSON the text `"…"`
  for any value. Ids, times, keys and the numbers of names like `acme-17` may differ.
- `make run` is what the service was started by, with all settings that the pages put before it or into `ini` blocks.
- `sql` is run in an empty database of the page's own.
- `http`, `json`, `toml` and `yaml` that stand alone are read by their parsers.
- `http://127.0.0.1:8084` is the service's address and `https://sso.example.com/realms/main` the identity provider's;
  what a page itself starts listens on 9100.
"""
