"""How other programs are told to talk to persona: their own configuration, shown or written."""
