"""HTML pages of the site, its feeds and their entries, from templates. No page has a script."""
