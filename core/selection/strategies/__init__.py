"""The strategies. A file of this package that defines a ``Strategy`` has added one."""
