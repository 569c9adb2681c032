"""What campaigns earned: attribution, revenue, funnels and the home page's figures."""
