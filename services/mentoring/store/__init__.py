"""Every SQL statement of mentoring, each beside its function. Row-level security narrows what the api's role sees."""
