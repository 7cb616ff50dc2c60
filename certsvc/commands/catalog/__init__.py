"""The catalog as published: proposed by departments, published by the 政务服务管理机构, followed by every process."""
