"""The month of a family doctor's team, on a page: six kinds of service, and the acts behind each (ZH-4.5d)."""
