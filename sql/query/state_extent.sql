UPDATE state SET lead_us = max(lead_us, ?1), span_us = max(span_us, ?2)
WHERE id = 1 AND (lead_us < ?1 OR span_us < ?2);
