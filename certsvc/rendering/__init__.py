"""Makes pages: fonts, layout, stamp, codes and the one-pass PDF writer. Knows no keys, no tables and no HTTP."""
