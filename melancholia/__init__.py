"""melancholia makes sad music and proves that it is sad."""
