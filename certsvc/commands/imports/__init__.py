"""存量: tables of licenses that were issued before, checked row by row, sampled, approved, and issued as backfill."""
