-- Whose database is this? 0 when nobody has said so.
SELECT application_id FROM pragma_application_id;
