"""归档: packages of licenses and cases, their four properties, 移交; 电子材料."""
