console.log("runts");
