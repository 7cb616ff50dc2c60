"""Older interfaces (共享门面) over the same commands: accounts, 用证码, one-time addresses, and what they ask."""
