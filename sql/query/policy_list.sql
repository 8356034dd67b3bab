-- slow: the table is small and wanted whole
SELECT namespace, name, json FROM policy ORDER BY namespace, name;
