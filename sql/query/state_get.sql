SELECT has_policies, lead_us, span_us, rolled_us FROM state WHERE id = 1;
