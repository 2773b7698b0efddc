"""The daemon: one process a home, behind whose HTTP server every identity has its desk."""
