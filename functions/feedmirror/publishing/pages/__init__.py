"""Pages for people: a site that needs no script and says whose words it shows."""
