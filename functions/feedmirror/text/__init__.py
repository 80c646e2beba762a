"""Pure: plain text, HTML, addresses, XML and dates, whatever feed they are of."""
