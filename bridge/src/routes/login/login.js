(() => {
  // Both are comforts: the page works without.
  const form = document.forms[0];
  if (location.hash) form.elements.route.value = location.hash;
  try {
    const theme = localStorage.getItem("hearth.theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {}
})();
