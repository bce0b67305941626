"""Where runs, models and data are asked for: uploads, events, the REST API."""
