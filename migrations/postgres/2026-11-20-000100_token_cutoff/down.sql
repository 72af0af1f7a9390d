DROP TABLE token_cutoff;
