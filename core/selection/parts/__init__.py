"""What strategies are made of: their gains where picks change them, and the neighbours that these look at."""
