"""`python -m kangqiao` is the command `kangqiao`."""

from kangqiao.edges.commands.main import main

if __name__ == "__main__":
    main()
