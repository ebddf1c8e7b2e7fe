"""Selection: the config, the engine and the strategies."""
