"""The pages: a form, one service call, a redirect with a message."""
