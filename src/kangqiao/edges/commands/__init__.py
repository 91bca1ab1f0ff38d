"""The command `kangqiao`: each command parses, calls one function below, and prints what came of it.

Each lives in a file of its own and is imported only when it is called, so that a start or a stop stays quick.
"""
