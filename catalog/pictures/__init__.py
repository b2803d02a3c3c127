"""Pictures that strangers send: decoded in child processes with limits, never in this one."""
