"""The API's document: what each path answers, and what its words mean."""
