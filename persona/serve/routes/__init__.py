"""What is at each address; persona.serve.app has the table."""
