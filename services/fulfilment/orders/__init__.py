"""Orders as fulfilment knows them: whose rules count, and what rules look at."""
