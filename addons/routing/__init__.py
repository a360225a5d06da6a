"""From a model's name to the accounts that are asked, in their order, and what follows a failure."""
