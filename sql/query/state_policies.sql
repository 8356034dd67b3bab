UPDATE state SET has_policies = 1 WHERE id = 1 AND NOT has_policies;
