-- slow: once after the clock was put back
DELETE FROM flow_total;
