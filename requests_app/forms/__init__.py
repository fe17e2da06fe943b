"""Forms by which a person writes a specification, makes an offer, signs."""
