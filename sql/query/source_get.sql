SELECT name, packets, collected_us FROM source WHERE digest = ?1;
