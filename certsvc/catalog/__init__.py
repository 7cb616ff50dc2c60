"""The catalog (证照目录): license types, authorities and matters as data, and the rules that read and apply it."""
