-- slow: looks at one row, whichever comes first
SELECT 1 FROM coverage LIMIT 1;
