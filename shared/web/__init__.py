"""HTTP: who may call, what a refusal looks like, lists page by page, bodies with a bound."""
