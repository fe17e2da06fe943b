"""Demonstration data: invented chest radiographs and the deliveries made of them."""
