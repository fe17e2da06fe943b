"""What can be done with requests, offers and agreements. Each verb checks who asks, acts, records and tells people."""
