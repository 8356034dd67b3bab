-- slow: the set is replaced whole
DELETE FROM policy;
