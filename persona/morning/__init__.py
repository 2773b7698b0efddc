"""What a night did, told to the person it learned from: a short note, and a page with everything.

Nothing is imported here: `scores` is wanted by commands that have to start fast, `page` brings jinja.
"""
