"""Acting for a holder: 代亮, guardians, 法定代表人, further holders of one license."""
