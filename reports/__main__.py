"""``python -m reports`` is the command ``priorbench``."""

from reports.cli import main

if __name__ == "__main__":
    main()
