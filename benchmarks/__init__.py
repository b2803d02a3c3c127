"""Every bar of the project as a command: `make bars`."""
