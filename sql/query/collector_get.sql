SELECT written_us, swept_us FROM collector WHERE id = 1;
