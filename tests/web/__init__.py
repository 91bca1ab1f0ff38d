"""The web layer tried from outside: headers, marks of forms, drafts, scripts in every field, files and limits."""
