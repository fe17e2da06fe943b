"""``python -m getdata``."""

from getdata.entry import main

if __name__ == "__main__":
    main()
