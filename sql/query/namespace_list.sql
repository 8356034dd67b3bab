-- slow: the table is small and wanted whole
SELECT name, assumed, labels FROM namespace ORDER BY name;
